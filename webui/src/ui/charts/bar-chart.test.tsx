import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { BarChart } from "./bar-chart";

const BARS = [
  { key: "1", label: "Nov 1, 2026", shortLabel: "Nov 1", values: [30, 10] },
  { key: "2", label: "Nov 2, 2026", shortLabel: "Nov 2", values: [0, 0] },
];

test("a chart has a name, a sentence, and its numbers as a table for who wants to read them", async () => {
  const format = (value: number) => `${value} t`;
  render(
    <BarChart title="Tokens" summary="40 in all." heading="Day" series={["a", "b"]} bars={BARS} format={format} />,
  );
  const figure = screen.getByRole("figure", { name: "Tokens" });
  expect(figure.textContent).toContain("40 in all.");
  expect(screen.queryByRole("table")).toBeNull();
  const details = figure.querySelector("details");
  if (details) details.open = true;
  details?.dispatchEvent(new Event("toggle"));
  await userEvent.click(document.body);
  const row = await screen.findByRole("row", { name: "Nov 1, 2026 30 t 10 t" });
  expect(within(row).getAllByRole("cell").length).toBe(2);
});

test("bars are as high as their values, on an axis with round numbers", () => {
  const { container } = render(
    <BarChart title="T" summary="" heading="Day" series={["a", "b"]} bars={BARS} format={String} />,
  );
  const drawn = [...container.querySelectorAll("rect[fill]:not([fill=transparent])")];
  expect(drawn.map((each) => Number(each.getAttribute("height")))).toEqual([0.75, 0.25]); // of 40
  expect(drawn.map((each) => Number(each.getAttribute("y")))).toEqual([0.25, 0]);
});
