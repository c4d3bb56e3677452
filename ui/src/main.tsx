// Start of the console: theme, query cache, router.
import "./fonts.css";
import "./tokens.css";
import "./base.css";
import "./marks/marks.css";
import "./shell/shell.css";
import "./pages/overview.css";
import "./pages/workloads.css";
import "./pages/signin.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { whenSignedOut } from "./api/client";
import { cache } from "./api/queries";
import { HatchPatterns } from "./marks/Hatch";
import { forgetWidths } from "./marks/measure";
import { router } from "./router";

whenSignedOut(() => {
  const { pathname, searchStr } = router.state.location;
  if (pathname === "/signin") return;
  void router.navigate({ to: "/signin", search: { next: pathname + searchStr }, replace: true });
});

void document.fonts?.ready.then(forgetWidths);
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={cache}>
      <HatchPatterns />
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
