// The same request as a command and as REST, always in step with the form. A command that is pasted fills the form.
import { type ReactNode, useState } from "react";
import { commandOf, type Draft, readCommand, restOf, submissionOf } from "../model/submission";
import { CopyButton } from "../parts/bits";

interface Props {
  draft: Draft;
  projectId: string;
  clusterId: string;
  sentence: string;
  onDraft: (draft: Draft) => void;
  action: ReactNode;
}

export function SamePanel({ draft, projectId, clusterId, sentence, onDraft, action }: Props) {
  const [form, setForm] = useState<"command" | "rest">("command");
  const [typed, setTyped] = useState<string | null>(null);
  const [error, setError] = useState("");
  const command = commandOf(draft);
  const rest = restOf(submissionOf(draft, projectId, clusterId));
  const take = (text: string) => {
    setTyped(text);
    const read = readCommand(text, draft);
    setError(read.ok ? "" : read.error);
    if (read.ok) onDraft(read.draft);
  };
  return (
    <section className="same" aria-label="The same request">
      <div className="same-head">
        <div className="segments" role="group" aria-label="Shown as">
          <button type="button" aria-pressed={form === "command"} onClick={() => setForm("command")}>
            Command
          </button>
          <button type="button" aria-pressed={form === "rest"} onClick={() => setForm("rest")}>
            REST
          </button>
        </div>
        <span className="quiet same-note">{error || "Same request, follows the form"}</span>
        <div className="same-plan" aria-hidden="true">
          {sentence}
        </div>
        <CopyButton text={form === "command" ? command.replace(/ \\\n\s+/g, " ") : rest} />
        {action}
      </div>
      {form === "command" ? (
        <textarea
          className="same-text"
          aria-label="The command; a command pasted here fills the form"
          rows={Math.max(2, command.split("\n").length)}
          spellCheck={false}
          value={typed ?? command}
          onChange={(event) => take(event.target.value)}
          onBlur={() => {
            setTyped(null);
            setError("");
          }}
        />
      ) : (
        <pre className="same-text rest" tabIndex={0}>
          {rest}
        </pre>
      )}
    </section>
  );
}
