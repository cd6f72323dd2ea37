import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient, type UseQueryOptions } from "@tanstack/react-query";
import { call, callAll, type GatewayError, type Params } from "./call";

type More<T> = Omit<UseQueryOptions<T, GatewayError>, "queryKey" | "queryFn">;

/** What an operation answers, kept until something of its service changes. */
export function useCall<T>(service: string, operation: string, params: Params = {}, more: More<T> = {}) {
  return useQuery<T, GatewayError>({
    queryKey: [service, operation, params],
    queryFn: () => call<T>(service, operation, params),
    ...more,
  });
}

export function useCallAll<T>(
  service: string,
  operation: string,
  params: Params,
  list: string,
  token?: [string, string],
  more: More<T[]> = {},
) {
  return useQuery<T[], GatewayError>({
    queryKey: [service, operation, params, "all"],
    queryFn: () => callAll<T>(service, operation, params, list, token),
    ...more,
  });
}

type Act<T> = { service: string; operation: string; params?: Params; done?: string; then?: (answer: T) => void };

/** Something that changes things: says so, and has everything of the service read again. */
export function useAct<T = Params>() {
  const client = useQueryClient();
  return useMutation<T, GatewayError, Act<T>>({
    mutationFn: ({ service, operation, params }) => call<T>(service, operation, params),
    onSuccess: async (answer, { service, done, then }) => {
      await client.invalidateQueries({ queryKey: [service] });
      if (done) notifications.show({ message: done, color: "teal" });
      then?.(answer);
    },
    onError: (error) => failed(error),
  });
}

/** Shows what went wrong in the service's own words. */
export function failed(error: { message: string; code?: string; requestId?: string }) {
  notifications.show({
    title: error.code ?? "Failed",
    message: error.message + (error.requestId ? ` (request ${error.requestId})` : ""),
    color: "red",
    autoClose: 10000,
  });
}
