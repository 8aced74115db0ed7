import { visibleLine } from "./visible.ts";
import { displayWidth, fitTo } from "./width.ts";

export interface Column<Row> {
  title: string;
  /** Raw text; the table makes it safe to print. */
  text: (row: Row) => string;
  /** Colours the padded cell; gets text that is safe already. */
  paint?: (cell: string, row: Row) => string;
  align?: "left" | "right";
}

/**
 * Lines of a table, aligned by display width; the last column takes what is left of `columns` and is cut there
 * (null: never cut, as for a pipe).
 */
export function tableLines<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  screen: { columns: number | null; heading: (text: string) => string },
): string[] {
  const cells = rows.map((row) => columns.map((column) => visibleLine(column.text(row))));
  const widths = columns.map((column, index) =>
    Math.max(displayWidth(column.title), ...cells.map((line) => displayWidth(line[index] ?? ""))),
  );
  if (screen.columns !== null) cutLast(widths, screen.columns);
  const render = (texts: readonly string[], paint: (cell: string, index: number) => string) =>
    texts
      .map((text, index) =>
        paint(pad(text, widths[index] ?? 0, columns[index]?.align, index === texts.length - 1), index),
      )
      .join("  ")
      .trimEnd();
  const heading = render(
    columns.map((column) => column.title),
    (cell) => screen.heading(cell),
  );
  const body = rows.map((row, line) =>
    render(cells[line] ?? [], (cell, index) => columns[index]?.paint?.(cell, row) ?? cell),
  );
  return [heading, ...body];
}

function cutLast(widths: number[], available: number): void {
  const last = widths.length - 1;
  const before = widths.slice(0, last).reduce((sum, width) => sum + width + 2, 0);
  widths[last] = Math.min(widths[last] ?? 0, Math.max(10, available - before));
}

function pad(text: string, width: number, align: "left" | "right" = "left", isLast: boolean): string {
  const fitted = fitTo(text, width);
  const space = " ".repeat(Math.max(0, width - displayWidth(fitted)));
  if (align === "right") return space + fitted;
  return isLast ? fitted : fitted + space;
}
