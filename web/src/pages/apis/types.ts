export type RestApi = {
  id: string;
  name: string;
  description?: string;
  createdDate: string;
  version?: string;
  warnings?: string[];
  binaryMediaTypes?: string[];
  minimumCompressionSize?: number;
  apiKeySource?: string;
  endpointConfiguration?: { types: string[] };
  disableExecuteApiEndpoint?: boolean;
  policy?: string;
};

export type IntegrationResponse = {
  statusCode: string;
  selectionPattern?: string;
  responseParameters?: Record<string, string>;
  responseTemplates?: Record<string, string | null>;
  contentHandling?: string;
};

export type Integration = {
  type: string;
  httpMethod?: string;
  uri?: string;
  connectionType?: string;
  connectionId?: string;
  credentials?: string;
  requestParameters?: Record<string, string>;
  requestTemplates?: Record<string, string | null>;
  passthroughBehavior?: string;
  contentHandling?: string;
  timeoutInMillis?: number;
  cacheKeyParameters?: string[];
  integrationResponses?: Record<string, IntegrationResponse>;
};

export type MethodResponse = {
  statusCode: string;
  responseParameters?: Record<string, boolean>;
  responseModels?: Record<string, string>;
};

export type Method = {
  httpMethod: string;
  authorizationType?: string;
  authorizerId?: string;
  apiKeyRequired?: boolean;
  requestValidatorId?: string;
  operationName?: string;
  requestParameters?: Record<string, boolean>;
  requestModels?: Record<string, string>;
  methodResponses?: Record<string, MethodResponse>;
  methodIntegration?: Integration;
};

export type Resource = { id: string; parentId?: string; pathPart?: string; path: string; resourceMethods?: Record<string, Method> };

export type Stage = {
  stageName: string;
  deploymentId: string;
  description?: string;
  variables?: Record<string, string>;
  createdDate?: string;
  lastUpdatedDate?: string;
  tracingEnabled?: boolean;
  webAclArn?: string;
  cacheClusterEnabled?: boolean;
  cacheClusterSize?: string;
  accessLogSettings?: { destinationArn?: string; format?: string };
  methodSettings?: Record<string, {
    throttlingRateLimit?: number; throttlingBurstLimit?: number; loggingLevel?: string; metricsEnabled?: boolean;
    dataTraceEnabled?: boolean; cachingEnabled?: boolean; cacheTtlInSeconds?: number;
  }>;
  canarySettings?: {
    percentTraffic?: number; deploymentId?: string; stageVariableOverrides?: Record<string, string>; useStageCache?: boolean;
  };
};

export type Deployment = { id: string; description?: string; createdDate: string };
export type Model = { id: string; name: string; description?: string; schema: string; contentType: string };
export type Authorizer = { id: string; name: string; type: string; authorizerUri?: string; identitySource?: string; providerARNs?: string[]; authorizerResultTtlInSeconds?: number };
export type Validator = { id: string; name: string; validateRequestBody: boolean; validateRequestParameters: boolean };

/** Templates without a text are pass-throughs; the editor shows them as empty. */
export function texts(map: Record<string, string | null> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(map ?? {}).map(([type, text]) => [type, text ?? ""]));
}

export const VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"];

export const VERB_COLORS: Record<string, string> = {
  GET: "blue", POST: "teal", PUT: "orange", PATCH: "yellow", DELETE: "red", ANY: "grape", HEAD: "gray", OPTIONS: "gray",
};
