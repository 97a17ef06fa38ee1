%% Records: defaults, updates, nested access, matching, errors on a wrong tuple.
-module(records).
-export([main/0]).
-include("show.hrl").

-record(person, {name = "nobody", age = 0 :: integer(), address}).
-record(address, {street, city = "Bern"}).
-record(wide, {a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10}).

main() ->
    P = id(#person{name = "Ann", age = 30, address = #address{street = "Main St"}}),
    ?SHOW(#person{}),
    ?SHOW(P),
    ?SHOW(P#person.name),
    ?SHOW(P#person.address#address.city),
    ?SHOW(P#person{age = 31}),
    ?SHOW(P#person{name = "Bob", address = none}),
    ?SHOW(P#person{address = (P#person.address)#address{city = "Basel"}}),
    ?SHOW(#person.age),
    ?SHOW(record_info(fields, person)),
    ?SHOW(record_info(size, person)),
    ?SHOW(is_record(P, person)),
    ?SHOW(is_record(P, address)),
    ?SHOW(#wide{_ = x}),
    ?SHOW((id(#wide{}))#wide{b = two, d = four, j = ten, a = one}),
    ?SHOW(birthday(birthday(P))),
    ?SHOW([kind(X) || X <- [P, #address{}, {person}, {person, 1, 2, 3}, person]]),
    ?SHOW(element(#person.name, P)),
    ?SHOW(lists:keyfind("Bob", #person.name, [P, P#person{name = "Bob"}])),
    ?TRY((id(not_a_record))#person.name),
    ?TRY((id({person, 1}))#person.name),
    ?TRY((id({address, 1, 2}))#person{age = 3}),
    ?SHOW(oldest(id([P, #person{age = 80}, #person{name = "Kid", age = 5}]))),
    ?SHOW(update_all(id(#wide{}), 100)).

birthday(#person{age = Age} = P) -> P#person{age = Age + 1}.

kind(#person{address = #address{}}) -> settled;
kind(#person{}) -> person;
kind(#address{city = City}) -> {city, City};
kind(_) -> other.

oldest(People) ->
    lists:foldl(fun(#person{age = A} = P, #person{age = B}) when A > B -> P; (_, Best) -> Best end, hd(People), tl(People)).

update_all(W, 0) -> W;
update_all(#wide{a = A, j = J} = W, N) -> update_all(W#wide{a = J, j = A + N, e = N}, N - 1).
