import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "../style.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Router } from "wouter";
import { nonce } from "../nonce";
import { theme, variables } from "../theme";
import { base } from "./ask";
import { Portal } from "./Portal";

const client = new QueryClient({
  defaultOptions: { queries: { staleTime: 10_000, retry: false, refetchOnWindowFocus: false } },
});

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={client}>
        <Notifications position="bottom-right" limit={4} />
        <Router base={base}>
          <Portal />
        </Router>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
