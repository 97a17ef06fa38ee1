{application, counter,
 [{description, "A server that counts, under a supervisor"},
  {vsn, "1.0"},
  {modules, [counter, counter_app, counter_sup]},
  {registered, [counter, counter_sup]},
  {applications, [kernel, stdlib]},
  {mod, {counter_app, []}}]}.
