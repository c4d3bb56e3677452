// Build of the console: one folder of files with hashed names that the program embeds. Nothing is fetched from elsewhere.
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// Inter is needed for the first paint, so the page asks for it before the style sheet has been read.
function preloadInter(): Plugin {
  return {
    name: "preload-inter",
    transformIndexHtml: {
      order: "post",
      handler(_html, { bundle }) {
        const file = Object.keys(bundle ?? {}).find((name) => /inter-latin-wght-normal.*\.woff2$/.test(name));
        if (!file) return [];
        return [
          {
            tag: "link",
            attrs: { rel: "preload", as: "font", type: "font/woff2", href: `/${file}`, crossorigin: "" },
            injectTo: "head-prepend",
          },
        ];
      },
    },
  };
}

const server = process.env.MUSTER_URL ?? "http://127.0.0.1:7070";

export default defineConfig({
  plugins: [react(), preloadInter()],
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 700 },
  server: {
    proxy: Object.fromEntries(["/api", "/gate", "/healthz", "/readyz"].map((path) => [path, { target: server }])),
  },
  test: { include: ["src/**/*_test.ts", "src/**/*_test.tsx"], environment: "node" },
} as Parameters<typeof defineConfig>[0]);
