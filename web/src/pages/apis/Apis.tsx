import { Route, Switch } from "wouter";
import { Api } from "./Api";
import { FileApi } from "./FileApi";
import { List } from "./List";

export default function Apis() {
  return (
    <Switch>
      <Route path="/apis" component={List} />
      <Route path="/apis/file/:api/:stage">{({ api, stage }) => <FileApi api={api} stage={decodeURIComponent(stage)} />}</Route>
      <Route<{ id: string; tab?: string; item?: string }> path="/apis/:id/:tab?/:item?">{({ id, tab, item }) => <Api id={id} tab={tab ?? "resources"} item={item} />}</Route>
    </Switch>
  );
}
