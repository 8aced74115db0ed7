// @boundaries-ignore one test set-up for every package
export { default } from "../../vitest.base.ts";
