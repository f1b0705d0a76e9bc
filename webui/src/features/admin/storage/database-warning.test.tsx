import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { DatabaseWarning } from "./database-warning";

beforeEach(() => localStorage.clear());

test("it is said once: closed it stays closed, until the version is another", async () => {
  const { unmount } = render(<DatabaseWarning text="careful" version="SQLite 3.40.1" />);
  expect(screen.getByRole("alert").textContent).toContain("SQLite 3.40.1");
  await userEvent.click(screen.getByRole("button", { name: "Close" }));
  expect(screen.queryByRole("alert")).toBeNull();
  unmount();
  const { rerender } = render(<DatabaseWarning text="careful" version="SQLite 3.40.1" />);
  expect(screen.queryByRole("alert")).toBeNull();
  rerender(<DatabaseWarning text="careful" version="SQLite 3.41.0" />);
  expect(screen.getByRole("alert").textContent).toContain("SQLite 3.41.0");
});
