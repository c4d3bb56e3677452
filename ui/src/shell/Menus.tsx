// The contents of the menus: the machine with its facts, the person with sign-out, the columns of a table.
import { Menu, Popover } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { cloneElement, type ReactElement } from "react";
import { read } from "../api/client";
import { cache, live, meQuery, ours } from "../api/queries";
import { at, fullTime } from "../model/time";
import { CopyButton } from "../parts/bits";
import { Floating } from "../parts/Floating";
import { Icon } from "../parts/icons";
import type { MenuProps } from "../parts/MenuButton";
import { toggleMode, useMode } from "../parts/mode";

export function MachineMenu({ target, opened, onChange }: MenuProps) {
  const { data: me } = useQuery(meQuery);
  if (!me) return null;
  const since = at(me.machine.startedAt);
  const rows: [string, string][] = [
    ["Version", me.machine.version],
    ["Running since", since ? fullTime(since) : "–"],
    ["For", me.mode === "root" ? "everybody with an account here" : "one person"],
    ["Data folder", me.machine.dataFolder ?? "–"],
  ];
  return (
    <Floating>
      <Popover position="bottom-start" offset={4} opened={opened} onChange={onChange} trapFocus returnFocus>
        <Popover.Target>
          {cloneElement(target as ReactElement<{ onClick: () => void }>, { onClick: () => onChange(!opened) })}
        </Popover.Target>
        <Popover.Dropdown className="float menu" aria-label="This machine">
          <dl className="facts compact">
            {rows.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
          <div className="menu-command">
            <code>muster down</code>
            <span className="quiet">stops Muster; workloads go on</span>
            <CopyButton text="muster down" />
          </div>
        </Popover.Dropdown>
      </Popover>
    </Floating>
  );
}

async function signOut(done: () => void) {
  try {
    await read(`${ours}/signout`, { method: "POST" });
  } finally {
    live.stop();
    cache.clear();
    done();
  }
}

export function AccountMenu({ target, opened, onChange, bottom }: MenuProps & { bottom: boolean }) {
  const { data: me } = useQuery(meQuery);
  const navigate = useNavigate();
  const mode = useMode();
  if (!me) return null;
  return (
    <Floating>
      <Menu position={bottom ? "top-end" : "top-start"} offset={6} opened={opened} onChange={onChange}>
        <Menu.Target>{target}</Menu.Target>
        <Menu.Dropdown className="float menu">
          <div className="menu-note">
            {me.name}
            {me.admin ? ", administers this machine" : `, in ${me.projects.join(", ") || "no project yet"}`}
          </div>
          <Menu.Item
            className="menu-item"
            onClick={toggleMode}
            leftSection={<Icon name={mode === "dark" ? "sun" : "moon"} />}
          >
            {mode === "dark" ? "Light mode" : "Dark mode"}
          </Menu.Item>
          <Menu.Item
            className="menu-item"
            leftSection={<Icon name="out" />}
            onClick={() => void signOut(() => void navigate({ to: "/signin" }))}
          >
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Floating>
  );
}

interface ChoiceProps extends MenuProps {
  choices: { value: string; label: string; on: boolean }[];
  onToggle: (value: string) => void;
}

/** Several on-off choices, such as the columns of a table. */
export function ChoiceMenu({ target, opened, onChange, choices, onToggle }: ChoiceProps) {
  return (
    <Floating>
      <Menu position="bottom-end" offset={4} closeOnItemClick={false} opened={opened} onChange={onChange}>
        <Menu.Target>{target}</Menu.Target>
        <Menu.Dropdown className="float menu">
          {choices.map((choice) => (
            <Menu.Item
              key={choice.value}
              className="menu-item"
              role="menuitemcheckbox"
              aria-checked={choice.on}
              leftSection={<i className={`tick ${choice.on ? "on" : ""}`} />}
              onClick={() => onToggle(choice.value)}
            >
              {choice.label}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </Floating>
  );
}
