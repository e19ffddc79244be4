import Fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { stringify } from 'yaml';
import { signIn } from './accounts';
import { passwordTokens } from './authentication';
import { ok } from './calls';
import type { Answer, Call } from './calls';
import { openDatabase } from './database';
import type { Database, DatabasePlace } from './database';
import { ENDPOINTS } from './endpoints';
import type { Endpoint, Method, Operation } from './endpoints';
import { Refusal, forbidden, methodNotAllowed, serverFault, unknownRoute } from './refusals';
import { parseBody } from './request-body';
import { SCHEMA_DOCUMENT } from './schema-document';

export interface RegistryOptions {
  /** Memory when neither a directory nor a PostgreSQL URL is given. */
  readonly database: DatabasePlace;
  /** Absent or 0: a free one. */
  readonly port?: number;
}

export interface RunningRegistry {
  /** `http://127.0.0.1:PORT`, without the API's base path. */
  readonly url: string;
  readonly database: Database;
  /** Lets running calls end, then closes the database. */
  close(): Promise<void>;
}

const BASE = '/api/v0';
const AUTHENTICATION = passwordTokens();
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
/** Bytes of a request's body; Django's own default. */
const BODY_LIMIT = 2_621_440;

/**
 * Starts a development stand-in for MedPerf's server (mlcube era, with sign-in by user name and password) on the loopback
 * address. Its permissions, checks and answers follow the real server's; it is not meant for real data.
 * @throws Error when the port is taken or another process owns the database's directory.
 */
export async function startRegistry({ database: place, port = 0 }: RegistryOptions): Promise<RunningRegistry> {
  const database = await openDatabase(place);
  const server = createServer(database);
  try {
    const url = await server.listen({ host: '127.0.0.1', port });
    return {
      url,
      database,
      close: async () => {
        await server.close();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

function createServer(database: Database): FastifyInstance {
  const server = Fastify({ bodyLimit: BODY_LIMIT });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.addHook('onRequest', (_request, reply, done) => {
    void reply.header('server', 'temporal-medperf development stand-in');
    done();
  });
  server.setNotFoundHandler((_request, reply) => refuse(reply, unknownRoute()));
  server.setErrorHandler((error, _request, reply) => refuse(reply, asRefusal(error)));
  addPublicRoutes(server, database);
  for (const endpoint of ENDPOINTS) addEndpoint(server, database, endpoint);
  return server;
}

function addPublicRoutes(server: FastifyInstance, database: Database): void {
  server.get(`${BASE}/version`, (_request, reply) => send(reply, ok({ version: 'v0' })));
  server.get('/schema/', (request, reply) => {
    const json = addressOf(request).query.get('format') === 'json';
    return reply
      .type(json ? 'application/vnd.oai.openapi+json' : 'application/vnd.oai.openapi')
      .send(json ? JSON.stringify(SCHEMA_DOCUMENT) : stringify(SCHEMA_DOCUMENT));
  });
  redirectToSlash(server, '/schema/');
  addMethods(server, `${BASE}/auth-token/`, (method) =>
    method === 'POST'
      ? async (request, reply) => send(reply, ok({ token: await signIn(database, bodyOf(request)) }))
      : () => Promise.reject(methodNotAllowed(method)),
  );
}

function addEndpoint(server: FastifyInstance, database: Database, { path, operations }: Endpoint): void {
  const numbered = path.replaceAll(/:(\w+)/g, ':$1(^\\d+$)');
  addMethods(server, `${BASE}${numbered}`, (method) => {
    const operation = operations[method as Method];
    return async (request, reply) => send(reply, await serve(database, request, operation));
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
async function serve(database: Database, request: FastifyRequest, operation: Operation | undefined): Promise<Answer> {
  const user = await AUTHENTICATION.authenticate(database, request.headers.authorization);
  if (operation === undefined) throw methodNotAllowed(request.method);
  const answer = async (sql: Call['sql']): Promise<Answer> => {
    const call = { sql, user, ids: idsOf(request), address: addressOf(request), body: () => bodyOf(request) };
    if (operation.permit && !(await operation.permit(call))) throw forbidden();
    return operation.answer(call);
  };
  return request.method === 'GET' ? answer(database) : database.transaction(answer);
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
