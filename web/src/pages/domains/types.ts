import { useCallAll } from "../../gateway/hooks";

export const NEXT: [string, string] = ["NextToken", "NextToken"];

export type DomainName = {
  DomainName: string;
  DomainNameConfigurations?: { CertificateArn?: string; SecurityPolicy?: string; EndpointType?: string; DomainNameStatus?: string }[];
  MutualTlsAuthentication?: { TruststoreUri?: string };
  RoutingMode?: string;
};
export type Mapping = { ApiMappingId: string; ApiId: string; Stage: string; ApiMappingKey?: string };
export type Certificate = { CertificateArn: string; DomainName?: string; Type?: string; NotAfter?: string; Status?: string; InUse?: boolean };

export function useCertificates() {
  return useCallAll<Certificate>("acm", "ListCertificates", {}, "CertificateSummaryList", NEXT);
}
