import {
  createTheme, defaultVariantColorsResolver, type CSSVariablesResolver, type MantineColorsTuple, type VariantColorsResolver,
} from "@mantine/core";

const slate: MantineColorsTuple = [
  "#dbe2ea", "#b9c4d0", "#98a5b3", "#74818f", "#3d4854",
  "#2c3540", "#1d252e", "#181f27", "#12171d", "#0d1216",
];

const lagoon: MantineColorsTuple = [
  "#e7f6f8", "#cfe9ed", "#a2d4dc", "#6fbeca", "#45a9b8",
  "#2a98a9", "#178a9c", "#0b7285", "#0b5d6b", "#074955",
];

/** Tinted surfaces whose text keeps 4.5 to 1 in light and dark. */
const tinted: VariantColorsResolver = (input) => {
  const found = defaultVariantColorsResolver(input);
  const color = input.color ?? input.theme.primaryColor;
  if (input.variant !== "light" || !(color in input.theme.colors)) return found;
  const shade = (n: number) => `var(--mantine-color-${color}-${n})`;
  return {
    ...found,
    background: `light-dark(${shade(1)}, color-mix(in srgb, ${shade(6)} 20%, transparent))`,
    color: `light-dark(color-mix(in srgb, ${shade(9)} 70%, black), ${shade(2)})`,
  };
};

export const theme = createTheme({
  variantColorResolver: tinted,
  primaryColor: "lagoon",
  primaryShade: { light: 7, dark: 7 },
  colors: { lagoon, dark: slate },
  respectReducedMotion: true,
  fontFamily: "Inter, system-ui, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono', ui-monospace, monospace",
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.25rem" },
  headings: {
    fontWeight: "600",
    sizes: {
      h1: { fontSize: "1.375rem", lineHeight: "1.3" },
      h2: { fontSize: "0.9375rem", lineHeight: "1.4" },
      h3: { fontSize: "0.875rem", lineHeight: "1.4" },
    },
  },
  defaultRadius: "md",
  components: {
    Button: { defaultProps: { size: "sm" } },
    TextInput: { defaultProps: { size: "sm" } },
    Table: { defaultProps: { verticalSpacing: 6, horizontalSpacing: "sm", borderColor: "var(--line)" } },
    Badge: { defaultProps: { variant: "light", radius: "sm", tt: "none", fw: 500, miw: "max-content" } },
    Modal: { defaultProps: { radius: "lg", overlayProps: { backgroundOpacity: 0.5, blur: 2 } } },
    Tooltip: { defaultProps: { openDelay: 300 } },
    SegmentedControl: { defaultProps: { transitionDuration: 0 } },
  },
});

/** Quiet text stays readable: 4.5 to 1 at least on every surface. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#556070",
    "--mantine-color-placeholder": "#667080",
    "--mantine-color-error": "#c92a2a",
    "--mantine-color-anchor": "#0b5d6b",
    "--surface": "#ffffff",
    "--ground": "#f5f7f9",
    "--line": "#dfe4ea",
  },
  dark: {
    "--mantine-color-dimmed": "#98a5b3",
    "--mantine-color-placeholder": "#8a97a6",
    "--mantine-color-anchor": "#6fbeca",
    "--mantine-color-error": "#ff8787",
    "--mantine-color-default-hover": "#232c36",
    "--surface": "#181f27",
    "--ground": "#10151a",
    "--line": "#28313b",
  },
});
