export type ApiKey = { id: string; name: string; value?: string; enabled: boolean; description?: string; createdDate: string; stageKeys?: string[] };
export type Plan = {
  id: string;
  name: string;
  description?: string;
  apiStages?: { apiId: string; stage: string }[];
  throttle?: { rateLimit?: number; burstLimit?: number };
  quota?: { limit: number; period: string; offset?: number };
};
