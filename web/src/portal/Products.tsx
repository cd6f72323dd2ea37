import { Badge, Group, SimpleGrid, Text, Title } from "@mantine/core";
import { Link } from "wouter";
import { Answer } from "../parts/Answer";
import { Empty } from "../parts/Empty";
import { Page } from "../parts/Page";
import { useAsked, useSession } from "./ask";
import type { Product } from "./types";

/** What there is. */
export function Products() {
  const { session } = useSession();
  const products = useAsked<{ products: Product[] }>("products");
  return (
    <Page title="Products" about={session.portal.description}>
      <Answer of={products}>
        {({ products: found }) => found.length === 0 ? (
          <Empty title="No product yet">{session.who ? "Nothing is offered to you at the moment." : "Sign in to see what is offered to you."}</Empty>
        ) : (
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing={14}>
            {found.map((product) => (
              <section className="card" key={product.id}>
                <div className="inside">
                  <Title order={2}><Link href={`/products/${product.id}`}>{product.name}</Link></Title>
                  <Text c="dimmed" size="sm" my={6}>{product.description}</Text>
                  <Group gap={6}>
                    {product.apis.map((api) => (
                      <Badge key={`${api.api}/${api.stage}`} color={api.lifecycle.state === "published" ? "lagoon" : "orange"}>
                        {api.name} {api.version}{api.lifecycle.state === "published" ? "" : ` · ${api.lifecycle.state}`}
                      </Badge>
                    ))}
                  </Group>
                </div>
              </section>
            ))}
          </SimpleGrid>
        )}
      </Answer>
    </Page>
  );
}
