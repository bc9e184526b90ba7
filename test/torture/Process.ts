export * from "../support/Process.ts"
