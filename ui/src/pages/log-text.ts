// Lines out of a stream of output, as a terminal would leave them: a carriage return starts the line anew, colours and
// other escape sequences are dropped.

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are meant
const escapes = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: bell, backspace and the like say nothing here
const controls = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

export function plain(line: string): string {
  let text = line.replace(escapes, "");
  if (text.endsWith("\r")) text = text.slice(0, -1);
  const back = text.lastIndexOf("\r");
  if (back >= 0) text = text.slice(back + 1);
  return text.replaceAll("\t", "    ").replace(controls, "");
}

export class LineReader {
  readonly lines: string[] = [];
  private rest = "";
  /** Lines that were dropped at the front because there were too many. */
  dropped = 0;

  constructor(private readonly most = 50_000) {}

  feed(text: string) {
    const parts = (this.rest + text).split("\n");
    this.rest = parts.pop() ?? "";
    for (const part of parts) this.lines.push(plain(part));
    const over = this.lines.length - this.most;
    if (over > 0) {
      this.lines.splice(0, over);
      this.dropped += over;
    }
  }

  /** What has come of a line that is not finished: a prompt or a progress bar. */
  get open(): string {
    return plain(this.rest);
  }
}

export interface Match {
  line: number;
  from: number;
}

export function findAll(lines: string[], text: string, most = 20_000): Match[] {
  const needle = text.toLowerCase();
  const out: Match[] = [];
  if (!needle) return out;
  for (let line = 0; line < lines.length && out.length < most; line++) {
    const hay = lines[line]!.toLowerCase();
    for (let from = hay.indexOf(needle); from >= 0; from = hay.indexOf(needle, from + needle.length))
      out.push({ line, from });
  }
  return out;
}
