// Mantine is used for what it does (focus, floating, dialogs), not for how it looks: every colour and size of it is a
// token of ours.
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

const ink = Array.from({ length: 10 }, () => "var(--ink)") as unknown as MantineColorsTuple;

export const theme = createTheme({
  primaryColor: "ink",
  colors: { ink },
  fontFamily: "var(--font)",
  fontFamilyMonospace: "var(--mono)",
  // Mantine counts in rem of 16 px; the page's text is 13 px.
  scale: 16 / 13,
  defaultRadius: 5,
  cursorType: "pointer",
  respectReducedMotion: true,
  focusRing: "never", // ours stands in base.css
  components: {
    Modal: {
      defaultProps: {
        withCloseButton: false,
        transitionProps: { duration: 0 },
        overlayProps: { backgroundOpacity: 0.32, color: "#000" },
        shadow: "none",
        lockScroll: false,
        zIndex: 100,
      },
    },
    Popover: { defaultProps: { transitionProps: { duration: 0 }, shadow: "none", zIndex: 90 } },
    Menu: { defaultProps: { transitionProps: { duration: 0 }, shadow: "none", zIndex: 90 } },
  },
});

export const variables: CSSVariablesResolver = () => {
  const map = {
    "--mantine-color-body": "var(--sheet)",
    "--mantine-color-text": "var(--ink)",
    "--mantine-color-dimmed": "var(--ink-3)",
    "--mantine-color-error": "var(--bad)",
    "--mantine-color-default": "var(--raised)",
    "--mantine-color-default-hover": "var(--hover)",
    "--mantine-color-default-color": "var(--ink)",
    "--mantine-color-default-border": "var(--line-2)",
    "--mantine-color-placeholder": "var(--ink-3)",
    "--mantine-color-anchor": "var(--ink)",
  };
  return { variables: {}, light: map, dark: map };
};
