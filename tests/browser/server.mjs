// A real `muster up` with four simulated GPUs in a folder of its own, that can be killed and started again in place.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export class Server {
  constructor(program) {
    this.program = program;
    this.folder = mkdtempSync(join(tmpdir(), "muster-browser-"));
    this.listen = "127.0.0.1:0";
    this.said = "";
  }

  async start() {
    const child = spawn(this.program, ["up", "--data", this.folder, "--listen", this.listen, "--gpus", "sim:4xA100-80G", "--json"], {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: this.folder,
    });
    this.child = child;
    child.stderr.on("data", (chunk) => {
      this.said = (this.said + chunk).slice(-4000);
    });
    const ready = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not ready within 30 s: ${this.said}`)), 30_000);
      let text = "";
      child.stdout.on("data", (chunk) => {
        text += chunk;
        const line = text.split("\n").find((one) => one.includes('"ready"'));
        if (!line) return;
        clearTimeout(timer);
        resolve(JSON.parse(line));
      });
      child.on("exit", (code) => {
        clearTimeout(timer);
        reject(new Error(`muster up ended with ${code}: ${this.said}`));
      });
    });
    this.url = ready.url;
    this.signInUrl = ready.signInUrl;
    // The next start listens where this one did, as it would on a person's machine.
    this.listen = new URL(ready.url).host;
    this.token = readFileSync(join(this.folder, "owner.token"), "utf8").trim();
  }

  async kill() {
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await gone;
  }

  /** A fresh one-use link. */
  async link() {
    const { stdout } = await this.muster("login", "--link");
    return /http\S+/.exec(stdout)[0];
  }

  muster(...words) {
    return run(this.program, words, { env: { ...process.env, MUSTER_DATA: this.folder }, cwd: this.folder });
  }

  async api(method, path, body) {
    const response = await fetch(this.url + path, {
      method,
      headers: { Authorization: `Bearer ${this.token}`, ...(body ? { "Content-Type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : undefined,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  async workload(project, name) {
    const { workloads } = await this.api("GET", "/api/v1/workloads?limit=500");
    return workloads.find((one) => one.projectName === project && one.name === name);
  }

  /** Ends the server and all that runs under it, and removes its folder. */
  async end() {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = new Promise((resolve) => this.child.once("exit", resolve));
      await this.muster("down", "--workloads").catch(() => this.child.kill("SIGTERM"));
      await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 15_000))]);
      if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGKILL");
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
