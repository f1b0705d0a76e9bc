import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { latePart } from "./late-part";

afterEach(cleanup);

test("the plain text stands in until the code has come; a failed load is tried again by the next who needs it", async () => {
  const Part = () => <b>drawn</b>;
  const load = vi.fn().mockRejectedValueOnce(new Error("no line")).mockResolvedValue(Part);
  const usePart = latePart(load);
  const Shown = () => {
    const Loaded = usePart();
    return Loaded ? <Loaded /> : <i>plain</i>;
  };
  const first = render(<Shown />);
  await act(() => Promise.resolve());
  expect(screen.getByText("plain")).toBeDefined();
  first.unmount();
  render(<Shown />);
  expect(await screen.findByText("drawn")).toBeDefined();
  render(<Shown />); // it is here now
  expect(screen.getAllByText("drawn")).toHaveLength(2);
  expect(load).toHaveBeenCalledTimes(2);
});
