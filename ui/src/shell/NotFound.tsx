// An address that leads nowhere.
import { Link, useRouterState } from "@tanstack/react-router";

export function NotFound() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <div className="alone">
      <h1>Nothing stands at {path}</h1>
      <p>
        <Link to="/">Go to the overview</Link> or to <Link to="/workloads">all workloads</Link>.
      </p>
    </div>
  );
}
