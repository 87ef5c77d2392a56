import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";
import { mockApi } from "./mock/server.ts";

/** Speaks the operator API of a seeded world, in `npm run dev` and `npm run mock`. */
function mock(): Plugin {
  return {
    name: "laybook-mock",
    configureServer: (server) => void server.middlewares.use(mockApi()),
    // What is built is served under the policy that the node sends.
    configurePreviewServer: (server) => void server.middlewares.use(mockApi({ policy: true })),
  };
}

export default defineConfig({
  base: "/console/",
  plugins: [svelte(), mock()],
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    // Nothing may become a data: address or an inline style, the node's policy forbids both.
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    sourcemap: false,
    rolldownOptions: {
      output: {
        // The built files are committed and served with an ETag of their content: their names stay.
        entryFileNames: "[name].js",
        chunkFileNames: "[name].js",
        assetFileNames: "[name][extname]",
      },
    },
  },
  test: { include: ["tests/**/*.test.ts"] },
} as Parameters<typeof defineConfig>[0]);
