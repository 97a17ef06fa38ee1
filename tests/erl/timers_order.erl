%% Timers fire in the order of their times, and equal times in the order they were set.
-module(timers_order).
-export([main/0]).
-include("show.hrl").

main() ->
    ?SHOW(fire([90, 10, 60, 30, 120, 1])),
    ?SHOW(fire([0])),
    ?SHOW(fire([40, 20, 0])),
    ?SHOW(sleepers([80, 20, 50, 5])),
    ?SHOW(start_timer_message()),
    ?SHOW(to_a_name()),
    ?SHOW(not_too_early()),
    ?SHOW(many(id(50))),
    ?SHOW(cancelled()),
    ?SHOW(receive Any -> Any after 10 -> mailbox_empty end).

%% The messages of timers set for the given milliseconds, as they arrive.
fire(Times) ->
    until_quick(Times, fun() ->
        Set = [begin erlang:send_after(T, self(), {fired, T}), now_ms() end || T <- Times],
        {Set, [receive {fired, T} -> T after 2000 -> lost end || _ <- Times]}
    end).

%% The same with processes that wait in `receive after`.
sleepers(Times) ->
    Self = self(),
    until_quick(Times, fun() ->
        [spawn(fun() -> Set = now_ms(), receive after T -> Self ! {woke, T, Set} end end) || T <- Times],
        lists:unzip([receive {woke, T, Set} -> {Set, T} after 2000 -> {0, lost} end || _ <- Times])
    end).

%% A machine that others hold for longer than two timers are apart while it sets them says nothing about their order: once more.
until_quick(Times, Fun) ->
    Sorted = lists:sort(Times),
    Apart = lists:min([infinity | [B - A || {A, B} <- lists:zip(lists:droplast(Sorted), tl(Sorted))]]),
    {Set, Order} = Fun(),
    case lists:max(Set) - lists:min(Set) < Apart of
        true -> Order;
        false -> until_quick(Times, Fun)
    end.

now_ms() -> erlang:monotonic_time(millisecond).

start_timer_message() ->
    Ref = erlang:start_timer(10, self(), {my, term}),
    receive {timeout, Ref, Term} -> {timeout, Term} after 2000 -> lost end.

to_a_name() ->
    register(timer_target, self()),
    erlang:send_after(5, timer_target, by_name),
    Result = receive by_name -> by_name after 2000 -> lost end,
    unregister(timer_target),
    Result.

not_too_early() ->
    [begin
         Start = erlang:monotonic_time(microsecond),
         receive after T -> ok end,
         erlang:monotonic_time(microsecond) - Start >= T * 1000
     end || T <- [1, 2, 10, 33]].

%% Spread over a second, 20 ms apart, set in a shuffled but fixed order.
many(N) ->
    Times = [((I * 37) rem N) * 20 || I <- lists:seq(1, N)],
    Fired = fire(Times),
    {length(Fired), Fired =:= lists:sort(Times)}.

cancelled() ->
    Keep = erlang:send_after(30, self(), keep),
    Drop = erlang:send_after(20, self(), drop),
    Left = erlang:cancel_timer(Drop),
    Got = receive M -> M after 2000 -> lost end,
    {Got, is_integer(Left), erlang:cancel_timer(Drop), erlang:cancel_timer(Keep)}.
