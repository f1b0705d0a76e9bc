/** What stands between a browser and the server at some people's: it passes requests on, and WebSockets only when told. */
import { once } from "node:events";
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";

export class Middlebox {
  /** Whether `Upgrade` is passed on; else it is dropped, so that the server sees a plain request. */
  passesSockets = false;
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();
  readonly #targetPort: number;

  constructor(targetUrl: string) {
    this.#targetPort = Number(new URL(targetUrl).port);
    this.#server = createServer((question, answer) => this.#pass(question, answer));
    this.#server.on("upgrade", (question, socket, head) => this.#upgrade(question, socket, head));
  }

  async open(): Promise<string> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** As where a middlebox changes its mind: those that are open are cut, and no more are let through. */
  cutSockets(): void {
    this.passesSockets = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(question: IncomingMessage, answer: ServerResponse): void {
    const passed = this.#asked(question, question.headers);
    passed.on("response", (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    answer.on("close", () => passed.destroy());
    question.pipe(passed);
  }

  #asked(question: IncomingMessage, headers: IncomingMessage["headers"]): ClientRequest {
    const { method, url: path } = question;
    return request({ host: "127.0.0.1", port: this.#targetPort, method, path, headers });
  }

  #upgrade(question: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket)).on("error", () => socket.destroy());
    if (this.passesSockets) this.#tunnel(question, socket, head);
    else this.#dropUpgrade(question, socket);
  }

  #dropUpgrade(question: IncomingMessage, socket: Duplex): void {
    const { upgrade: _upgrade, connection: _connection, ...headers } = question.headers;
    const passed = this.#asked(question, headers);
    passed.on("response", (got) => {
      got.resume();
      socket.end(`HTTP/1.1 ${got.statusCode} ${got.statusMessage}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    });
    passed.on("error", () => socket.destroy());
    passed.end();
  }

  #tunnel(question: IncomingMessage, socket: Duplex, head: Buffer): void {
    const upstream: Socket = connect(this.#targetPort, "127.0.0.1", () => {
      const lines = question.rawHeaders.flatMap((text, n, all) => (n % 2 ? [] : [`${text}: ${all[n + 1]}`]));
      upstream.write(`${question.method} ${question.url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy()).on("close", () => socket.destroy());
    socket.on("close", () => upstream.destroy());
  }
}
