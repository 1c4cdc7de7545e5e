/// <reference types="svelte" />
/// <reference types="vite/client" />

/** The proxy's origin, empty where it is the app's own; see `vite.config.ts`. */
declare const __PROXY_ORIGIN__: string
