// What every client for Node is asked to do, and how it tells what came of it: see told.py.
//
//     node tests/clients/NAME_client.mjs REAL_URL CLEVER_URL
import net from "node:net";
import { z } from "zod";

export const MODEL = "smollm2-135m-instruct";
export const KEY = "any";
export const HELLO = "Say hello.";
export const ASK_WEATHER = "What will the weather be in Seoul over the next two days?";
export const ASK_PET = "Invent a pet.";
export const [REAL, CLEVER] = process.argv.slice(2).map((url) => `${url}/v1`);
const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

export const Pet = z.object({
  name: z.string().regex(/^[A-Z][a-z]{2,8}$/),
  kind: z.enum(["cat", "dog"]),
  age: z.int().min(0).max(20),
});
export const Place = z.object({ city: z.enum(["Seoul", "Busan"]), days: z.int() });
export const TOOL = {
  type: "function",
  function: { name: "get_weather", description: "How warm it will be.", parameters: z.toJSONSchema(Place) },
};
export const weatherText = ({ city, days }) => `${18 + days} degrees in ${city}`;

const refused = [];
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  const host = options?.host ?? "localhost";
  if (!LOOPBACK.has(host)) {
    refused.push(host);
    throw new Error(`${host} is out of reach`);
  }
  return connect.apply(this, args);
};

export const tell = (findings) => console.log(JSON.stringify({ ...findings, outside: refused }));
