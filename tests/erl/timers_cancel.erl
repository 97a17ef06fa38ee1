%% send_after, start_timer, cancel_timer, read_timer, with their options and errors.
-module(timers_cancel).
-export([main/0]).
-include("show.hrl").

main() ->
    ?SHOW(is_reference(erlang:send_after(0, self(), now))),
    ?SHOW(receive now -> now after 1000 -> lost end),
    T1 = erlang:send_after(100000, self(), far),
    Left = erlang:read_timer(T1),
    ?SHOW(Left > 99000 andalso Left =< 100000),
    Cancelled = erlang:cancel_timer(T1),
    ?SHOW(Cancelled > 99000 andalso Cancelled =< 100000),
    ?SHOW(erlang:read_timer(T1)),
    ?SHOW(erlang:cancel_timer(T1)),
    T2 = erlang:start_timer(5, self(), payload),
    ?SHOW(receive {timeout, T2, Payload} -> Payload after 1000 -> lost end),
    ?SHOW(erlang:cancel_timer(T2)),
    T3 = erlang:send_after(50000, self(), far),
    ?SHOW(erlang:cancel_timer(T3, [{async, true}, {info, true}])),
    ?SHOW(receive {cancel_timer, T3, Ms} -> is_integer(Ms) after 1000 -> lost end),
    T4 = erlang:send_after(50000, self(), far),
    ?SHOW(erlang:cancel_timer(T4, [{info, false}])),
    ?SHOW(erlang:cancel_timer(make_ref())),
    ?SHOW(erlang:read_timer(make_ref())),
    T5 = erlang:send_after(erlang:monotonic_time(millisecond) + 20, self(), absolute, [{abs, true}]),
    ?SHOW(is_integer(erlang:read_timer(T5))),
    ?SHOW(receive absolute -> absolute after 1000 -> lost end),
    ?SHOW(erlang:send_after(erlang:monotonic_time(millisecond) - 5, self(), past, [{abs, true}]) =/= x),
    ?SHOW(receive past -> past after 1000 -> lost end),
    %% A timer to a process that dies, and to a name that nobody has.
    Dead = spawn(fun() -> ok end),
    erlang:send_after(1, Dead, lost),
    erlang:send_after(1, nobody_has_this_name, lost),
    %% A timer outlives the process that set it.
    Self = self(),
    spawn(fun() -> erlang:send_after(20, Self, from_the_dead) end),
    ?SHOW(receive from_the_dead -> got after 1000 -> lost end),
    Timers = [erlang:send_after(60000 + I, self(), never) || I <- lists:seq(1, 1000)],
    ?SHOW(length([T || T <- Timers, is_integer(erlang:cancel_timer(T))])),
    ?TRY(erlang:send_after(id(-1), self(), x)),
    ?TRY(erlang:send_after(id(1.5), self(), x)),
    ?TRY(erlang:send_after(id(1 bsl 70), self(), x)),
    ?TRY(erlang:send_after(1, id({not_a_pid}), x)),
    ?TRY(erlang:start_timer(id(a), self(), x)),
    ?TRY(erlang:cancel_timer(id(x))),
    ?TRY(erlang:read_timer(id(x))),
    ?TRY(erlang:cancel_timer(make_ref(), id([bad]))),
    ?SHOW(receive Any -> Any after 10 -> mailbox_empty end).
