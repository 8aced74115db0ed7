/** How a command's type is written. */
export const commandTypePattern = "^[A-Z][A-Z0-9_]{0,63}$";
