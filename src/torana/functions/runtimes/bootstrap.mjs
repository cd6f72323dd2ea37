// The Node.js side of the Lambda Runtime API: `node bootstrap.mjs HANDLER`.
// Source: Lambda Developer Guide, "Building Lambda functions with Node.js" and "Using the Lambda
// runtime API for custom runtimes".
import { existsSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const PRELUDE = 'application/vnd.awslambda.http-integration-response';
let requestId = '';

for (const [name, level] of [
  ['log', 'INFO'], ['info', 'INFO'], ['debug', 'DEBUG'], ['warn', 'WARN'], ['error', 'ERROR'],
  ['trace', 'TRACE'],
]) {
  console[name] = (...parts) => {
    const text = format(...parts).replaceAll('\n', '\r');
    process.stdout.write(`${new Date().toISOString()}\t${requestId}\t${level}\t${text}\n`);
  };
}

globalThis.awslambda = {
  streamifyResponse(handler, options) {
    handler[STREAMING] = options ?? true;
    return handler;
  },
  HttpResponseStream: {
    from(stream, metadata) {
      stream.setContentType(PRELUDE);
      stream.write(JSON.stringify(metadata));
      stream.write(Buffer.alloc(8));
      return stream;
    },
  },
};

function call(method, target, headers = {}) {
  const request = http.request({
    host, port, method, agent, headers, path: `/2018-06-01/runtime/${target}`,
  });
  const answer = new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('end', () => resolve({ response, body: Buffer.concat(pieces) }));
      response.on('error', reject);
    });
  });
  return { request, answer };
}

function post(target, text, headers = {}) {
  const body = Buffer.from(text);
  const { request, answer } = call('POST', target, {
    'Content-Type': 'application/json', 'Content-Length': body.length, ...headers,
  });
  request.end(body);
  return answer;
}

function described(error) {
  if (error instanceof Error || (error && error.stack)) {
    return {
      errorType: error.name ?? 'Error',
      errorMessage: error.message ?? String(error),
      trace: String(error.stack ?? '').split('\n'),
    };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function fail(target, error, kind) {
  const said = described(error);
  if (kind) said.errorType = kind;
  const type = /^[\x21-\x7e]+$/.test(said.errorType) ? said.errorType : 'Error';
  console.error('Invoke Error', JSON.stringify(said));
  return post(target, JSON.stringify(said), { 'Lambda-Runtime-Function-Error-Type': type });
}

async function load(name) {
  const at = name.lastIndexOf('/') + 1;
  const [file, ...members] = name.slice(at).split('.');
  if (!file || members.length === 0) {
    throw Object.assign(new Error(`Bad handler ${name}`), { name: 'Runtime.MalformedHandlerName' });
  }
  const stem = path.resolve(process.env.LAMBDA_TASK_ROOT, name.slice(0, at), file);
  const found = ['', '.js', '.mjs', '.cjs'].map((end) => stem + end).find(
    (each) => existsSync(each) && each !== stem || (each === stem && path.extname(each)),
  );
  if (!found) {
    const error = new Error(`Cannot find module '${file}'`);
    throw Object.assign(error, { name: 'Runtime.ImportModuleError' });
  }
  let value = found.endsWith('.cjs') ? createRequire(found)(found) : null;
  if (value === null) value = await import(pathToFileURL(found).href);
  for (const member of members) value = value?.[member] ?? value?.default?.[member];
  if (typeof value !== 'function') {
    const error = new Error(`${name} is undefined or not exported`);
    throw Object.assign(error, { name: 'Runtime.HandlerNotFound' });
  }
  return value;
}

function contextOf(headers) {
  const until = Number(headers['lambda-runtime-deadline-ms']);
  const given = headers['lambda-runtime-client-context'];
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    clientContext: given ? JSON.parse(given) : undefined,
    getRemainingTimeInMillis: () => until - Date.now(),
  };
}

let settle = null; // ends the invocation under way
let whenEmpty = null; // does so once nothing else is pending

process.on('beforeExit', () => {
  const end = whenEmpty ?? settle?.empty;
  whenEmpty = null;
  if (end) end();
});

function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    settle = { reject, empty: () => resolve(null) };
    const callback = (error, value) => {
      const end = () => (error ? reject(error) : resolve(value));
      if (context.callbackWaitsForEmptyEventLoop) whenEmpty = end;
      else end();
    };
    context.done = callback;
    context.fail = (error) => reject(error);
    context.succeed = (value) => resolve(value);
    const value = handler(event, context, callback);
    if (typeof value?.then === 'function') value.then(resolve, reject);
  }).finally(() => { settle = whenEmpty = null; });
}

async function answerWhole(handler, event, context) {
  let text;
  try {
    const value = await run(handler, event, context);
    text = JSON.stringify(value === undefined ? null : value) ?? 'null';
  } catch (error) {
    await fail(`invocation/${requestId}/error`, error);
    return;
  }
  await post(`invocation/${requestId}/response`, text);
}

async function answerStreamed(handler, event, context) {
  const out = new PassThrough();
  let type = 'application/octet-stream';
  let begun = null;
  out.setContentType = (given) => { type = given; };
  const begin = () => {
    begun = call('POST', `invocation/${requestId}/response`, {
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      'Transfer-Encoding': 'chunked',
      'Content-Type': type,
      Trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
    });
    out.pipe(begun.request);
  };
  out.once('readable', begin);
  const ended = new Promise((resolve, reject) => {
    out.once('end', resolve);
    settle = { reject, empty: resolve };
  });
  try {
    await Promise.race([handler(event, out, context), ended.then(() => undefined)]);
    if (!out.writableEnded) out.end();
    if (!begun) begin();
    await ended;
  } catch (error) {
    if (!begun) {
      out.removeListener('readable', begin);
      await fail(`invocation/${requestId}/error`, error);
      return;
    }
    const said = described(error);
    out.unpipe(begun.request);
    begun.request.addTrailers({
      'Lambda-Runtime-Function-Error-Type': said.errorType,
      'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(said)).toString('base64'),
    });
    begun.request.end();
  } finally {
    settle = null;
  }
  await begun.answer;
}

for (const [event, kind] of [
  ['uncaughtException', 'Runtime.UncaughtException'],
  ['unhandledRejection', 'Runtime.UnhandledPromiseRejection'],
]) {
  process.on(event, async (error) => {
    const target = requestId ? `invocation/${requestId}/error` : 'init/error';
    await fail(target, error, kind).catch(() => {});
    process.exit(1);
  });
}

let handler;
try {
  handler = await load(process.argv[2]);
} catch (error) {
  const kinds = { SyntaxError: 'Runtime.UserCodeSyntaxError' };
  kinds.Error = error.code === 'ERR_MODULE_NOT_FOUND' ? 'Runtime.ImportModuleError' : undefined;
  await fail('init/error', error, kinds[error.name]);
  process.exit(1);
}

for (;;) {
  const { request, answer } = call('GET', 'invocation/next');
  request.end();
  const { response, body } = await answer;
  requestId = response.headers['lambda-runtime-aws-request-id'];
  process.env._X_AMZN_TRACE_ID = response.headers['lambda-runtime-trace-id'] ?? '';
  const context = contextOf(response.headers);
  const work = handler[STREAMING] ? answerStreamed : answerWhole;
  await work(handler, body.length ? JSON.parse(body) : null, context);
}
