import { Page } from "../shell/Page";
export function WorkloadPage() {
  return (
    <Page title="WorkloadPage" crumbs={[{ label: "WorkloadPage" }]}>
      <div className="section">soon</div>
    </Page>
  );
}
