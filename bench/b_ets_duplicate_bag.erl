%% What `b_ets_bag` does, in a `duplicate_bag`.
-module(b_ets_duplicate_bag).
-export([run/0]).

run() -> b_ets_bag:run(duplicate_bag).
