import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { SearchField } from "./search-field";

test("what is typed is told once it has settled, composed, and what the teller gives back is nobody's business", async () => {
  // It once gave back what it was told to React, which then called it as the effect's end.
  const tell = vi.fn((value: string) => value);
  const { unmount } = render(<SearchField label="Search by username" value="" onValue={tell} />);
  await userEvent.type(screen.getByRole("searchbox", { name: "Search by username" }), ` ${"지영".normalize("NFD")} `);
  await waitFor(() => expect(tell).toHaveBeenLastCalledWith("지영"));
  expect(tell.mock.calls.map(([value]) => value)).toEqual(["", "지영"]);
  unmount();
});
