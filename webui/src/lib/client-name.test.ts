import { expect, test } from "vitest";
import { clientName } from "./client-name";

const CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";

test.each([
  [`Mozilla/5.0 (X11; Linux x86_64) ${CHROME}`, "Chrome", "Linux"],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROME} Edg/150.0`, "Edge", "Windows"],
  [
    `Mozilla/5.0 (Linux; Android 16; SM-S921N) AppleWebKit/537.36 SamsungBrowser/29.0 Chrome/140 Mobile Safari/537.36`,
    "Samsung Internet",
    "Android",
  ],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/26.0 Safari/605.1.15",
    "Safari",
    "macOS",
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 CriOS/150.0 Mobile Safari/604.1",
    "Chrome",
    "iOS",
  ],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox", "Linux"],
  ["curl/7.88.1", "curl", null],
  ["OpenAI/Python 2.8.0", "OpenAI", null],
])("%s", (userAgent, program, system) => {
  expect(clientName(userAgent)).toEqual({ program, system });
});

test("who says nothing has no name", () => {
  expect(clientName("")).toBeNull();
  expect(clientName("  ")).toBeNull();
});
