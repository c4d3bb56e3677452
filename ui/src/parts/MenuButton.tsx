// A button whose menu is fetched when it is first wanted: on pointing at it already, so that the click finds it there.
import { type ComponentType, type LazyExoticComponent, type ReactElement, Suspense, useState } from "react";

export interface MenuProps {
  target: ReactElement;
  opened: boolean;
  onChange: (opened: boolean) => void;
}

interface Props<Extra> {
  load: () => Promise<unknown>;
  menu: LazyExoticComponent<ComponentType<MenuProps & Extra>>;
  extra: Extra;
  button: (more: {
    onClick?: () => void;
    onPointerEnter?: () => void;
    "aria-haspopup": "menu" | "dialog";
  }) => ReactElement;
  popup?: "menu" | "dialog";
}

export function MenuButton<Extra extends object>({ load, menu: Menu, extra, button, popup = "menu" }: Props<Extra>) {
  const [wanted, setWanted] = useState(false);
  const [opened, setOpened] = useState(false);
  const asleep = button({
    "aria-haspopup": popup,
    onPointerEnter: () => void load(),
    onClick: () => {
      setWanted(true);
      setOpened(true);
    },
  });
  if (!wanted) return asleep;
  return (
    <Suspense fallback={asleep}>
      <Menu {...extra} target={button({ "aria-haspopup": popup })} opened={opened} onChange={setOpened} />
    </Suspense>
  );
}
