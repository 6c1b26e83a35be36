import { defineConfig } from "vite";

// Django collects dist/ as static files; django-vite reads dist/.vite/manifest.json, whose keys are paths from this folder.
export default defineConfig({
  base: "/static/",
  build: {
    outDir: "dist",
    emptyOutDir: false, // pages that are open still fetch parts of the build before
    manifest: true,
    target: "es2022",
    rollupOptions: { input: "main.ts" },
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
} as Parameters<typeof defineConfig>[0]);
