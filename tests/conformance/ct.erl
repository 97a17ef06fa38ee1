%% What test suites call of `common_test`, without it: failing, time, configuration, output.
%%
%% `conformance_case` runs the cases and knows what is said here by messages and by the process dictionary of the case.
-module(ct).
-export([fail/1, fail/2, timetrap/1, sleep/1, comment/1, comment/2, get_config/1, get_config/2, get_config/3,
         log/1, log/2, log/3, log/4, log/5, pal/1, pal/2, pal/3, pal/4, pal/5, print/1, print/2, print/3,
         print/4, notify/2, get_timetrap_info/0, get_progname/0, get_status/0, capture_start/0, capture_stop/0,
         capture_get/0, capture_get/1, get_target_name/1, abort_current_testcase/1, listenv/1]).

fail(Reason) -> exit({test_case_failed, Reason}).
fail(Format, Args) -> exit({test_case_failed, lists:flatten(io_lib:format(Format, Args))}).

timetrap(Time) -> test_server:timetrap(Time), ok.
sleep(Time) -> test_server:adjusted_sleep(Time).

comment(_) -> ok.
comment(_, _) -> ok.

%% What is configured: hosts to look up: this one, and one that nobody knows.
get_config(Key) -> get_config(Key, undefined).
get_config(test_hosts, _) -> [localhost];
get_config(test_dummy_host, _) ->
    {"dummy", "dummy.invalid", "192.0.2.77", {192,0,2,77}, [], "::ffff:192.0.2.77", {0,0,0,0,0,65535,49152,589}};
get_config(test_host_ipv4_only, _) ->
    {"localhost", "localhost", "127.0.0.1", {127,0,0,1}, [], "::ffff:127.0.0.1", {0,0,0,0,0,65535,32512,1}};
get_config(_, Default) -> Default.
get_config(Key, Default, _) -> get_config(Key, Default).

log(_) -> ok.
log(Format, Args) when is_list(Args) -> io:format(Format ++ "~n", Args);
log(_, _) -> ok.
log(_, _, _) -> ok.
log(_, _, _, _) -> ok.
log(_, _, _, _, _) -> ok.

pal(_) -> ok.
pal(_, _) -> ok.
pal(_, _, _) -> ok.
pal(_, _, _, _) -> ok.
pal(_, _, _, _, _) -> ok.

print(_) -> ok.
print(_, _) -> ok.
print(_, _, _) -> ok.
print(_, _, _, _) -> ok.

notify(_, _) -> ok.
listenv(_) -> [].
get_target_name(_) -> {error, no_target}.
abort_current_testcase(Reason) -> exit({abort, Reason}).
get_timetrap_info() -> {conformance_case:time_limit(), {false, 1}}.
get_progname() -> test_server:program().
get_status() -> no_tests_running.

capture_start() -> conformance_io:capture(start).
capture_stop() -> conformance_io:capture(stop).
capture_get() -> conformance_io:captured().
capture_get(_) -> conformance_io:captured().
