import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const STATIC = "../src/torana/console/static";

/** What the build was made from, for the test that says when it is stale. */
function sourcesHash(): string {
  const names: string[] = [];
  const walk = (folder: string) => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) walk(path);
      else names.push(relative(".", path));
    }
  };
  walk("src");
  names.push("index.html", "portal.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts");
  const hash = createHash("sha256");
  for (const name of names.sort()) hash.update(`${name}\n`).update(readFileSync(name)).update("\n");
  return hash.digest("hex");
}

const stamp: Plugin = {
  name: "stamp",
  closeBundle() {
    writeFileSync(join(STATIC, "sources.sha256"), `${sourcesHash()}\n`);
  },
};

export default defineConfig(({ command }) => ({
  // Each page is told its own address by the server; files find each other by where they are.
  base: command === "build" ? "./" : "/console/",
  plugins: [react(), stamp],
  build: {
    outDir: STATIC,
    emptyOutDir: true,
    target: ["chrome123", "firefox121", "safari17.5"],
    reportCompressedSize: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: ["index.html", "portal.html"] },
  },
  server: { proxy: { "^/console/(session$|api/|live$|served$|definition/|code/|llm|desk/)": "http://127.0.0.1:8081" } },
}));
