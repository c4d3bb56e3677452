// Everything that floats (menus, dialogs, the palette) comes on demand with Mantine's behaviour behind it; the first load
// does without. Its look is ours, in base.css.
import "@mantine/core/styles/default-css-variables.css";
import "@mantine/core/styles/UnstyledButton.css";
import "@mantine/core/styles/Overlay.css";
import "@mantine/core/styles/ModalBase.css";
import "@mantine/core/styles/Modal.css";
import "@mantine/core/styles/Popover.css";
import "@mantine/core/styles/Menu.css";
import "../floating.css";
import { MantineProvider, Modal } from "@mantine/core";
import type { ReactNode } from "react";
import { theme, variables } from "../theme";
import { useMode } from "./mode";

export function Floating({ children }: { children: ReactNode }) {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      forceColorScheme={useMode()}
      withGlobalClasses={false}
    >
      {children}
    </MantineProvider>
  );
}

interface DialogProps {
  opened: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  size?: number;
}

export function Dialog({ opened, onClose, title, children, size = 440 }: DialogProps) {
  return (
    <Floating>
      <Modal
        opened={opened}
        onClose={onClose}
        size={size}
        title={title}
        classNames={{ content: "float dialog", header: "dialog-head", title: "dialog-title", body: "dialog-body" }}
      >
        {children}
      </Modal>
    </Floating>
  );
}
