import { expect, test, vi } from "vitest";
import { urlOf } from "@/api/client";
import { socketUrl, streamUrl } from "@/live/socket";
import { addressOf, BASE_PATH, fullAddressOf, isLocalOnly, movesBelowBase, placeOf, toldIn } from "./place";

function pageSaying(content: string): Document {
  return new DOMParser().parseFromString(`<meta name="base-path" content="${content}">`, "text/html");
}

test("the page's document says below which path it is; nobody has put one in under vite", () => {
  expect(toldIn(pageSaying("/tools/chat"))).toBe("/tools/chat");
  expect(toldIn(pageSaying(""))).toBe("");
  expect(toldIn(pageSaying("BDCHAT-BASE-PATH"))).toBe("");
  expect(BASE_PATH).toBe("");
});

test("every address begins with the base path", () => {
  expect(addressOf("/api/sessions", "/tools/chat")).toBe("/tools/chat/api/sessions");
  expect(addressOf("/", "/tools/chat")).toBe("/tools/chat/");
  expect(fullAddressOf("/v1")).toBe(`${location.origin}/v1`);
  expect(urlOf("/api/admin/backups/{name}", { name: "a b" }, { x: 1 })).toBe("/api/admin/backups/a%20b?x=1");
  expect(socketUrl("/events", "https://host.example")).toBe("wss://host.example/ws/events");
  expect(streamUrl("/events")).toBe("/api/live/events");
});

test.each([
  ["/tools/chat", "/"],
  ["/tools/chat/", "/"],
  ["/tools/chat/chat/s1", "/chat/s1"],
  ["/tools/chatter", undefined],
  ["/chat/s1", undefined],
])("%s is our place %s", (pathname, place) => {
  expect(placeOf(pathname, "/tools/chat")).toBe(place);
});

test("without a base path every address is our place", () => {
  expect(placeOf("/chat/s1", "")).toBe("/chat/s1");
  expect(placeOf("/", "")).toBe("/");
});

test("a page that was opened past its base path goes there, once", () => {
  const replace = vi.fn();
  const from = { pathname: "/chat/s1", search: "?q=1", hash: "#m", replace };
  expect(movesBelowBase(from, "/tools/chat")).toBe(true);
  expect(replace).toHaveBeenCalledWith("/tools/chat/chat/s1?q=1#m");
  expect(movesBelowBase({ ...from, pathname: "/tools/chat/chat/s1" }, "/tools/chat")).toBe(false);
  expect(movesBelowBase(from, "")).toBe(false);
});

test("an address of this machine is nobody else's", () => {
  expect(["localhost", "127.0.0.1", "127.8.0.9", "[::1]", "a.localhost"].map(isLocalOnly)).not.toContain(false);
  expect(["192.168.0.7", "chat.example", "127.example", "localhost.example"].map(isLocalOnly)).not.toContain(true);
});
