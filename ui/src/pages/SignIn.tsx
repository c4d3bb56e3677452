// Sign-in. A link from the machine carries a one-time code behind the "#", so that it reaches no log; it is exchanged
// for a session at once. Without a code the page says where to get one, and takes a link, a code or the owner's token.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { Refusal, read } from "../api/client";
import { cache, ours } from "../api/queries";
import { Button, CopyButton } from "../parts/bits";
import { Mark } from "../parts/icons";

export function codeIn(text: string): string | null {
  const match = /(?:^|[#&?])code=([^&\s]+)/.exec(text.trim());
  return match ? decodeURIComponent(match[1]!) : null;
}

async function exchange(code: string) {
  await read(`${ours}/signin`, { method: "POST", body: { code }, open: true });
}

/** A token signs in by asking for a one-time link with it. */
async function exchangeToken(token: string) {
  const { signInUrl } = await read<{ signInUrl: string }>(`${ours}/login-links`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    open: true,
  });
  const code = codeIn(signInUrl);
  if (!code) throw new Refusal(500, "The server made no sign-in link.");
  await exchange(code);
}

const whyNot = (error: unknown) => {
  if (!(error instanceof Refusal)) return String(error);
  if (error.unreachable) return "The server does not answer. Is it running? muster up starts it.";
  if (error.status === 401)
    return "This link, code or token is used up or was never valid. A link works once, for 10 minutes.";
  return error.message;
};

export function SignIn() {
  const search = useSearch({ strict: false }) as { next?: string };
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const begun = useRef(false);

  const enter = async (exchanging: Promise<void>) => {
    setBusy(true);
    setError("");
    try {
      await exchanging;
      cache.clear();
      const next = search.next?.startsWith("/") && !search.next.startsWith("//") ? search.next : "/";
      await navigate({ to: next, replace: true });
    } catch (failure) {
      setError(whyNot(failure));
    } finally {
      setBusy(false);
    }
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: a code is used once, when the page opens
  useEffect(() => {
    document.title = "Sign in · Muster";
    const code = codeIn(window.location.hash);
    if (!code || begun.current) return;
    begun.current = true;
    // Out of the address bar and the history before it is used.
    history.replaceState(history.state, "", window.location.pathname + window.location.search);
    void enter(exchange(code));
  }, []);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const given = text.trim();
    if (!given) return setError("Paste the link that muster login --link prints.");
    const code = codeIn(given);
    void enter(code ? exchange(code) : exchange(given).catch(() => exchangeToken(given)));
  };

  return (
    <div className="sign-in">
      <main>
        <div className="sign-in-brand">
          <Mark size={20} />
          <span>muster</span>
        </div>
        <h1>
          Sign in to{" "}
          {window.location.hostname === "127.0.0.1" || window.location.hostname === "localhost"
            ? "this machine"
            : window.location.hostname}
        </h1>
        <p className="sign-in-host">{window.location.host}</p>
        {busy ? (
          <p aria-live="polite">Signing in.</p>
        ) : (
          <>
            <p className="sign-in-how">On the machine itself, this prints a link that signs you in once:</p>
            <div className="sign-in-command">
              <code>muster login --link</code>
              <CopyButton text="muster login --link" />
            </div>
            <form onSubmit={submit} noValidate>
              <label htmlFor="code">Link, one-time code or token</label>
              <input
                id="code"
                className="input mono"
                type="password"
                autoComplete="off"
                spellCheck={false}
                value={text}
                aria-invalid={error ? true : undefined}
                aria-describedby={error ? "why-not" : undefined}
                onChange={(event) => setText(event.target.value)}
              />
              {error && (
                <p id="why-not" className="field-error" role="alert">
                  {error}
                </p>
              )}
              <Button look="primary" type="submit">
                Sign in
              </Button>
            </form>
            <p className="sign-in-foot">
              The token of the owner stands in <code>owner.token</code> in the data folder. It is not kept in this
              browser; a session is.
            </p>
          </>
        )}
      </main>
      <Pattern />
    </div>
  );
}

// The mark, in cells: idle and held GPUs.
const picture = [
  "10001",
  "10001",
  "11011",
  "11011",
  "11011",
  "11111",
  "11111",
  "11111",
  "10101",
  "10101",
  "10101",
  "10001",
  "10001",
  "10001",
  "10001",
  "10001",
];

function Pattern() {
  return (
    <div className="sign-in-picture" aria-hidden="true">
      <svg viewBox="0 0 394 572" width="394" height="572">
        {picture.flatMap((row, y) =>
          [...row].map((held, x) => (
            <rect
              // biome-ignore lint/suspicious/noArrayIndexKey: a fixed picture
              key={`${x}-${y}`}
              className={held === "1" ? "held" : "idle"}
              x={x * 80 + 0.5}
              y={y * 36 + 0.5}
              width="73"
              height="29"
              rx="3"
            />
          )),
        )}
      </svg>
    </div>
  );
}
