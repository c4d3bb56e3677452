import { Page } from "../shell/Page";
export function Projects() {
  return (
    <Page title="Projects" crumbs={[{ label: "Projects" }]}>
      <div className="section">soon</div>
    </Page>
  );
}
