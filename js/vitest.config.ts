import { defineConfig } from "vitest/config";

// Hundreds of random graphs take seconds, and longer on a machine that is busy. Style sheets are read for their colours.
export default defineConfig({ test: { include: ["test/**/*.test.ts"], testTimeout: 120_000, css: true } });
