import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin, type UserConfig } from "vite";
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

/**
 * Two sites of one project: the console, for the admin listener, and with `--mode account` the customers' pages, for
 * the public one. Each is built by itself, so that neither carries a line of the other's.
 */
export default defineConfig(({ mode }) => {
  const account = mode === "account";
  return {
    base: account ? "/account/" : "/console/",
    plugins: account ? [svelte()] : [svelte(), mock()],
    // A node beside us, `laybook demo`, answers while the customers' pages are worked on.
    server: account ? { open: "/account/account.html", proxy: { "/v1": "http://127.0.0.1:8080" } } : {},
    build: {
      target: "es2022",
      outDir: account ? "dist/account" : "dist",
      // The console's build, the first, empties the whole.
      emptyOutDir: true,
      modulePreload: { polyfill: false },
      // Nothing may become a data: address or an inline style, the node's policy forbids both.
      assetsInlineLimit: 0,
      cssCodeSplit: false,
      sourcemap: false,
      rolldownOptions: {
        input: account ? "account.html" : "index.html",
        output: {
          // The built files are committed and served with an ETag of their content: their names stay.
          entryFileNames: "[name].js",
          chunkFileNames: "[name].js",
          assetFileNames: "[name][extname]",
        },
      },
    },
    test: { include: ["tests/**/*.test.ts"] },
  } as UserConfig;
});
