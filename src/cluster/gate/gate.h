#pragma once
// Gate: logs of workloads for people: GET /gate/v1/projects/{p}/workloads/{w}/logs?follow=&tail=&previous=&pod=. One
// producer thread per stream, a bounded number of them. With follow a stream goes on over restarts until the workload
// has ended and everything was sent. A workload of several pods is told pod after pod, lowest index first.

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/threads.h"
#include "cluster/cluster.h"
#include "cluster/feed.h"
#include "cluster/gate/log_order.h"
#include "kube/api.h"
#include "net/server.h"

namespace muster::cluster {

class Gate {
 public:
  Gate(kube::Api& api, kube::PodStreams* streams, Feeds& feeds);
  ~Gate();
  void add_routes(net::Router& router, Cluster::MayRead may_read);
  void stop();

 private:
  class Producer;

  net::Response answer(const net::Request& request, const Cluster::MayRead& may_read);
  Result<LogWish> read(const net::Request& request);
  // A Training by name or workload id.
  Result<json::Value> find_training(const std::string& ns, const std::string& name_or_id);
  void begin(LogWish wish, std::set<std::string> done, std::shared_ptr<net::Stream> stream);

  kube::Api& api_;
  kube::PodStreams* streams_;
  const std::shared_ptr<LogOrder> order_ = std::make_shared<LogOrder>();
  Mutex mutex_;
  std::vector<std::shared_ptr<Producer>> producers_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace muster::cluster
