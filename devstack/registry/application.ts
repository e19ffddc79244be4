import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import Fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { stringify } from 'yaml';
import { signIn } from './accounts';
import type { Authentication } from './authentication';
import { ok } from './calls';
import type { Answer, Call } from './calls';
import type { Database } from './database';
import type { Dialect } from './dialect';
import type { Endpoint, Method, Operation } from './operations';
import { Refusal, badRequest, forbidden, methodNotAllowed, serverFault, unknownRoute } from './refusals';
import { parseBody } from './request-body';
import type { Settings } from './resource';
import { schemaDocument } from './schema-document';

export interface ApplicationOptions {
  readonly dialect: Dialect;
  readonly database: Database;
  readonly authentication: Authentication;
  readonly settings: Settings;
  readonly tls?: { readonly cert: string; readonly key: string };
}

const BASE = '/api/v0';
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
/** Bytes of a request's body; Django's own default. */
const BODY_LIMIT = 2_621_440;
const SERVER = 'temporal-medperf development stand-in';

/** The HTTP server of a dialect: its conventions, and a route for each endpoint and for each path without its slash. */
export function createApplication(options: ApplicationOptions): FastifyInstance {
  const { dialect, authentication, tls } = options;
  const server = Fastify({
    bodyLimit: BODY_LIMIT,
    // Null: plain HTTP.
    https: tls ?? null,
    frameworkErrors: (_error, _request, reply) => {
      refuse(reply.header('server', SERVER), badRequest());
    },
    clientErrorHandler: (_error, socket) => {
      refuseUnreadable(socket);
    },
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.addHook('onRequest', (_request, reply, done) => {
    void reply.header('server', SERVER);
    done();
  });
  server.setNotFoundHandler((_request, reply) => refuse(reply, unknownRoute()));
  server.setErrorHandler((error, _request, reply) => refuse(reply, asRefusal(error)));
  addPublicRoutes(server, dialect, authentication);
  if (dialect.passwords) addSignIn(server, options.database);
  for (const endpoint of dialect.endpoints) addEndpoint(server, options, endpoint);
  return server;
}

function addPublicRoutes(server: FastifyInstance, dialect: Dialect, { challenge }: Authentication): void {
  server.get(`${BASE}/version`, (_request, reply) => send(reply, ok({ version: 'v0' })));
  const document = schemaDocument(dialect, challenge);
  const texts = { json: JSON.stringify(document), yaml: stringify(document, { aliasDuplicateObjects: false }) };
  server.get('/schema/', (request, reply) =>
    addressOf(request).query.get('format') === 'json'
      ? reply.type('application/vnd.oai.openapi+json').send(texts.json)
      : reply.type('application/vnd.oai.openapi').send(texts.yaml),
  );
  redirectToSlash(server, '/schema/');
}

function addSignIn(server: FastifyInstance, database: Database): void {
  addMethods(server, `${BASE}/auth-token/`, (method) =>
    method === 'POST'
      ? async (request, reply) => send(reply, ok({ token: await signIn(database, bodyOf(request)) }))
      : () => Promise.reject(methodNotAllowed(method, ['POST'])),
  );
}

function addEndpoint(server: FastifyInstance, options: ApplicationOptions, endpoint: Endpoint): void {
  const numbered = endpoint.path.replaceAll(/:(\w+)/g, ':$1(^\\d+$)');
  const allowed = METHODS.filter((method) => method in endpoint);
  addMethods(server, `${BASE}${numbered}`, (method) => {
    const operation = endpoint[method as Method];
    return async (request, reply) => {
      const user = await options.authentication.authenticate(options.database, request.headers.authorization);
      if (operation === undefined) throw methodNotAllowed(method, allowed);
      return send(reply, await serve(options, request, user, operation));
    };
  });
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

function addMethods(server: FastifyInstance, url: string, handlerOf: (method: string) => Handler): void {
  for (const method of METHODS) server.route({ method, url, handler: handlerOf(method) });
  redirectToSlash(server, url);
}

function redirectToSlash(server: FastifyInstance, url: string): void {
  server.route({
    method: [...METHODS],
    url: url.slice(0, -1),
    handler: (request, reply) => {
      const [path = '', ...query] = request.url.split('?');
      return reply.redirect([`${path}/`, ...query].join('?'), 301);
    },
  });
}

/** The order of checks is the real server's: who is it, is the method there, may he, and only then what is asked. */
async function serve(
  { database, settings }: ApplicationOptions,
  request: FastifyRequest,
  user: Call['user'],
  operation: Operation,
): Promise<Answer> {
  const answer = async (sql: Call['sql']): Promise<Answer> => {
    const call = { sql, user, settings, ids: idsOf(request), address: addressOf(request), body: () => bodyOf(request) };
    if (operation.permit && !(await operation.permit(call))) throw forbidden();
    return operation.answer(call);
  };
  return request.method === 'GET' || request.method === 'HEAD' ? answer(database) : database.transaction(answer);
}

function idsOf(request: FastifyRequest): Record<string, number> {
  const parameters = request.params as Readonly<Record<string, string>>;
  return Object.fromEntries(Object.entries(parameters).map(([name, text]) => [name, Number(text)]));
}

function addressOf(request: FastifyRequest): Call['address'] {
  const [path = '', query = ''] = request.url.split('?');
  const forwarded = request.headers['x-forwarded-host'];
  const host = typeof forwarded === 'string' ? forwarded : (request.headers.host ?? '');
  return { host, path, query: new URLSearchParams(query) };
}

function bodyOf(request: FastifyRequest): unknown {
  return parseBody(request.headers['content-type'], request.body);
}

function send(reply: FastifyReply, { status, body }: Answer): FastifyReply {
  return reply.code(status).send(body);
}

function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  return reply.code(refusal.status).headers(refusal.headers).send(refusal.body);
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Refusal(status, { detail: error instanceof Error ? error.message : String(error) });
  }
  return serverFault();
}

/** What is not HTTP never becomes a request with a reply of its own. */
function refuseUnreadable(socket: Socket): void {
  const { status, body } = badRequest();
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, `Server: ${SERVER}`, 'Connection: close'];
  if (socket.writable) socket.end(`${head.join('\r\n')}\r\nContent-Type: text/html\r\n\r\n${String(body)}`);
}
