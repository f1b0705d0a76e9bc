import { render } from "@testing-library/react";
import { expect, test } from "vitest";
import { Highlighted } from "./highlighted";

test("marks are counted in code points, and the text stays whole", () => {
  const text = "😀 환불은 <b>환불</b>";
  const { container } = render(
    <Highlighted
      text={text}
      highlights={[
        [2, 4],
        [9, 11],
      ]}
    />,
  );
  expect([...container.querySelectorAll("mark")].map((mark) => mark.textContent)).toEqual(["환불", "환불"]);
  expect(container.textContent).toBe(text);
  expect(container.querySelector("b")).toBeNull();
});
