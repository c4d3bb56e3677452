import { Page } from "../shell/Page";
export function Nodes() {
  return (
    <Page title="Nodes" crumbs={[{ label: "Nodes" }]}>
      <div className="section">soon</div>
    </Page>
  );
}
