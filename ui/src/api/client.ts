// Requests to the server: same origin, session cookie, CSRF header on what changes state. Every failure is a Refusal
// with the server's own words; a 401 sends the tab to the sign-in page and back.

export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly details = "",
    readonly pointer = "",
  ) {
    super(message);
  }
  /** True when nobody answered, so that a retry makes sense. */
  get unreachable() {
    return this.status === 0;
  }
}

export function cookie(name: string): string {
  for (const part of document.cookie.split("; ")) {
    const at = part.indexOf("=");
    if (at > 0 && part.slice(0, at) === name) return decodeURIComponent(part.slice(at + 1));
  }
  return "";
}

let onUnauthenticated: () => void = () => {};
export function whenSignedOut(act: () => void) {
  onUnauthenticated = act;
}

interface Options {
  method?: string;
  body?: unknown;
  signal?: AbortSignal;
  headers?: Record<string, string>;
  /** The caller deals with a 401 itself. */
  open?: boolean;
}

export async function request(path: string, options: Options = {}): Promise<Response> {
  const method = options.method ?? "GET";
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-Muster-Csrf"] = cookie("muster_csrf");
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refusal(0, "The server does not answer.");
  }
  if (response.ok) return response;
  if (response.status === 401 && !options.open) onUnauthenticated();
  let message = `The server answered ${response.status}.`;
  let details = "";
  let pointer = "";
  try {
    const body = (await response.json()) as { message?: string; details?: string; pointer?: string };
    message = body.message ?? message;
    details = typeof body.details === "string" ? body.details : "";
    pointer = body.pointer ?? "";
  } catch {
    // Not JSON: a proxy in between. The status says enough.
  }
  throw new Refusal(response.status, message, details, pointer);
}

export async function read<T>(path: string, options: Options = {}): Promise<T> {
  const response = await request(path, options);
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

/** All pages of a list whose items stand under `key`. */
export async function readAll<T>(path: string, key: string, signal?: AbortSignal): Promise<T[]> {
  const all: T[] = [];
  for (let offset = 0; ; ) {
    const join = path.includes("?") ? "&" : "?";
    const page = await read<Record<string, unknown>>(`${path}${join}offset=${offset}&limit=500`, { signal });
    const items = (page[key] ?? []) as T[];
    all.push(...items);
    offset += items.length;
    if (items.length === 0 || page.next == null) return all;
  }
}
