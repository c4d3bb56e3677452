import { Page } from "../shell/Page";
export function Submit() {
  return (
    <Page title="Submit" crumbs={[{ label: "Submit" }]}>
      <div className="section">soon</div>
    </Page>
  );
}
