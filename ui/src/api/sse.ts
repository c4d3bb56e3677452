// Reader of a server-sent event stream. Not EventSource: the stream must be known dead when nothing has come for a
// while, and EventSource hides the comments that the server sends as a sign of life.

export interface StreamEvent {
  id: string;
  type: string;
  data: string;
}

/** Feed it text as it comes; it hands out whole events. */
export class EventParser {
  private rest = "";
  private id = "";
  private type = "";
  private data: string[] = [];

  constructor(private readonly emit: (event: StreamEvent) => void) {}

  feed(text: string) {
    this.rest += text;
    for (;;) {
      const at = this.rest.search(/\r\n|\n|\r/);
      if (at < 0) return;
      // A lone \r at the very end may be the first half of \r\n.
      if (this.rest[at] === "\r" && at === this.rest.length - 1) return;
      const line = this.rest.slice(0, at);
      this.rest = this.rest.slice(at + (this.rest.startsWith("\r\n", at) ? 2 : 1));
      this.line(line);
    }
  }

  private line(line: string) {
    if (line === "") {
      if (this.data.length > 0) this.emit({ id: this.id, type: this.type || "message", data: this.data.join("\n") });
      this.type = "";
      this.data = [];
      return;
    }
    if (line.startsWith(":")) return;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "data") this.data.push(value);
    else if (field === "event") this.type = value;
    else if (field === "id") this.id = value;
  }
}
